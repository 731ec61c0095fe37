# SPDX-License-Identifier: GPL-2.0-only
#
# Write the Python enumeration of all codes of the headers: VPOOL_CODE_NO_POOL of
# <linux/vpool.h> is Code.NO_POOL, and VPOOL_LIB_NO_MODULE of <libvpool.h> Code.LIB_NO_MODULE.

BEGIN {
	print "# SPDX-License-Identifier: LGPL-2.1-or-later"
	print "\"\"\"Codes of failures, made from the headers of vpool.\"\"\"\n"
	print "import enum\n\n"
	print "class Code(enum.IntEnum):"
	print "    \"\"\"enum vpool_code, and enum vpool_lib_code with names that begin with LIB_.\"\"\"\n"
}

/^\tVPOOL_(CODE|LIB)_[A-Z0-9_]+ = [0-9]+,$/ {
	sub(/^VPOOL_(CODE_)?/, "", $1)
	sub(/,$/, "", $3)
	print "    " $1 " = " $3
	nr++
}

END {
	exit nr < 100
}
