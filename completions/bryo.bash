# bash completion for bryo
_bryo()
{
	local line typed cut='' words
	COMPREPLY=()
	line=${COMP_LINE:0:COMP_POINT}
	read -ra words <<<"$line"
	[[ $line != *[[:space:]] ]] || words+=("")
	typed=${words[${#words[@]} - 1]}
	if [[ $COMP_WORDBREAKS == *[:=]* ]]; then
		cut=${typed%"${typed##*[$COMP_WORDBREAKS]}"}
	fi
	while IFS= read -r line; do
		line=${line%%$'\t'*}
		COMPREPLY+=("${line#"$cut"}")
	done < <("${COMP_WORDS[0]}" __complete -- \
		"${words[@]:1}" 2>/dev/null)
	if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[:=,] ]]; then
		compopt -o nospace
	fi
}
complete -o default -F _bryo bryo
