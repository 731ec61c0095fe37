# SPDX-License-Identifier: GPL-2.0-only
#
# Write the reference part of a manual page from the kernel-doc comments of a header: for
# each comment its title, the declaration that follows it, and its text.
#
# usage: awk -f reference.awk HEADER

function escape(text) {
	gsub(/\\/, "\\e", text)
	gsub(/-/, "\\-", text)
	if (text ~ /^[.']/)
		text = "\\&" text
	return text
}

# Set each text that matches the pattern in a font, and remove the marks around it. The
# marks are left and right characters long.
function font(text, pattern, left, right, name) {
	while (match(text, pattern))
		text = substr(text, 1, RSTART - 1) "\\f" name \
		       substr(text, RSTART + left, RLENGTH - left - right) \
		       "\\fR" substr(text, RSTART + RLENGTH)
	return text
}

# Marks of kernel-doc: @argument, &struct, ``literal``, *emphasis*.
function marked(text) {
	text = escape(text)
	gsub(/&struct /, "struct ", text)
	text = font(text, "``[^`]*``", 2, 2, "B")
	text = font(text, "@[A-Za-z_]+", 1, 0, "I")
	return font(text, "\\*[a-z]+\\*", 1, 1, "I")
}

function say(text) {
	said = said text "\n"
}

function end_literal() {
	if (literal)
		say(".fi\n.RE")
	literal = 0
}

# Write "TERM: text" as an item of a list.
function item(macro, term, text) {
	say(".TP\n" macro " " term)
	say(marked(text))
	paragraph = ""
}

function prose(text) {
	if (paragraph)
		say(paragraph)
	paragraph = ""
	literal = sub(/::$/, ":", text)
	sub(/^[ \t]+/, "", text)
	say(marked(text))
	if (literal)
		say(".RS\n.nf")
}

function comment_line(text) {
	if (literal && text !~ /^(\t|$)/)
		end_literal()
	if (literal)
		say(escape(text))
	else if (text == "")
		paragraph = ".PP"
	else if (match(text, /^ - [A-Z0-9]+: /))
		item(".B", substr(text, 4, RLENGTH - 5), substr(text, RLENGTH + 1))
	else if (match(text, /^@[A-Za-z_0-9]+: /))
		item(".I", substr(text, 2, RLENGTH - 3), substr(text, RLENGTH + 1))
	else
		prose(text)
}

function flush() {
	printf "%s", said
	said = ""
}

/^\/\*\*$/ {
	comment = first = 1
	next
}
comment && /^ \*\/$/ {
	end_literal()
	comment = 0
	paragraph = ""
	if (about_file)
		flush()
	else
		print ".nf"
	declaration = !about_file
	next
}
comment {
	sub(/^ \* ?/, "")
	if (first) {
		about_file = sub(/^DOC: /, "")
		print ".SS " marked($0)
	} else {
		comment_line($0)
	}
	first = 0
	next
}
# Print the declaration: a prototype ends with ");", a type with "};".
declaration {
	print escape($0)
	if (/^};$/ || /\);$/) {
		print ".fi\n.PP"
		flush()
		declaration = 0
	}
}
