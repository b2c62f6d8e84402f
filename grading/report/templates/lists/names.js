// The lists' own scripts have run, and nothing is loaded yet.
(function () {
    var path = function () {
        return base_url + "/formgrader/" + Array.from(arguments).map(encodeURIComponent).join("/");
    };

    var after = function (view, element, link) {
        var render = view.prototype.render;
        view.prototype.render = function () {
            render.call(this);
            var id = this.model.get("student") || this.model.get("id");
            var cell = this.$el.find(element);
            cell.find("a").attr("href", link(this.model, id));
            if (!this.model.get("last_name") && !this.model.get("first_name")) {
                cell.attr("data-order", id);
                (cell.find("a")[0] || cell[0]).textContent = id;
            }
        };
    };

    if (typeof StudentUI !== "undefined") {
        after(StudentUI, ".name", function (model, id) { return path("manage_students", id); });
    }
    if (typeof SubmissionUI !== "undefined") {
        after(SubmissionUI, ".student-name", function (model, id) { return path("manage_students", id, model.get("name")); });
    }

    $.ajaxPrefilter(function (options) {
        options.url = options.url.replace(
            /(\/formgrader\/api\/(?:submission|assignment)\/[^/]+\/)([^/]+)(\/(?:autograde|generate_feedback|release_feedback))$/,
            function (all, before, student, action) { return before + encodeURIComponent(student) + action; }
        );
    });

    if (typeof student_id !== "undefined") {
        $(".breadcrumb li, .breadcrumb a").each(function () {
            if (!this.children.length && this.textContent === student_id) this.textContent = decodeURIComponent(student_id);
        });
    }

    var plain = createModal;
    createModal = function (id, title, body, footer) {
        return plain(id, title, typeof body === "string" ? document.createTextNode(body) : body, footer);
    };
})();
