{#- nbgrader's lists with students' names, which may hold anything, in links and where there is no other name. -#}
{%- extends "nbgrader/base.tpl" -%}

{%- block script -%}
<script>
{% include "names.js" %}
</script>
{%- endblock -%}
