# fish completion for bryo
function __bryo_complete
	set -l typed (commandline -opc) (commandline -ct)
	command $typed[1] __complete -- $typed[2..-1] 2>/dev/null
end
complete -c bryo -f -a '(__bryo_complete)'
