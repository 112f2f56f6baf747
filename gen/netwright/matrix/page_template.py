"""Template of the page of matrices (Jinja, every value escaped)."""

PAGE = """\
<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">
<title>{{ name }}: {{ title }}</title>
<style>{{ style }}{{ light }}
@media (prefers-color-scheme: dark) {
{{ dark }}}</style></head><body>
<h1>{{ title }}</h1>
<p class="note">{{ name }}: {{ help }}</p>
<ul class="legend">
{% for shade in legend %}
<li><b class="{{ shade.kind }}">{{ shade.glyph or zero_width }}</b>{{ shade.words }}</li>
{% endfor %}
</ul>
{% for section in sections %}
<h2>{{ section.heading }}</h2>
<div class="scroll"><table class="matrix {{ "words" if section.words else "glyphs" }}"><thead><tr><th></th>
{% for column in section.columns %}
{% if column.begins_kind %}<th class="gap"></th>{% endif %}<th scope="col"><span>{{ column.name }}</span></th>
{% endfor %}
</tr></thead><tbody>
{% for row in section.rows %}
{% if row.begins_kind %}
<tr class="gap"><td></td></tr>
{% endif %}
<tr><th scope="row">{{ row.name }}</th>
{%- for cell in row.cells %}
{% if cell.begins_kind %}<td class="gap"></td>{% endif -%}
<td class="{{ cell.kind }}" data-tip="{{ cell.tip }}">{{ cell.text }}
{%- if cell.why is not none %}<small>{{ cell.why }}</small>{% endif %}</td>
{%- endfor %}</tr>
{% endfor %}
</tbody></table></div>
{% endfor %}
{% if note %}
<p class="note">{{ note }}</p>
{% endif %}
{% if reasons %}
<h2>What stops the rest</h2><div class="scroll">
<table class="reasons"><thead><tr>
{%- for head in ("cells", "verdict", "at", "why", "for example") %}<th>{{ head }}</th>{% endfor %}</tr></thead><tbody>
{% for reason, cells in reasons %}
<tr><td class="number">{{ cells }}</td><td>{{ reason.verdict }}</td><td>{{ reason.node }}</td>
<td>{{ reason.cause }}</td><td>{{ reason.source }} to {{ reason.destination }}</td></tr>
{% endfor %}
</tbody></table></div>
{% endif %}
{% if more %}
<p class="note">and {{ more }} more</p>
{% endif %}
<pre id="about" class="paper" aria-live="polite">Point at a cell.</pre>
<script>{{ script }}</script></body></html>
"""
