// What each shell reads to complete `writ`: it asks `writ __complete` with the words so far.

const bash = `_writ() {
  local IFS=$'\\n'
  COMPREPLY=($(writ __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -o bashdefault -F _writ writ`;

const zsh = `#compdef writ
_writ() {
  local -a found
  found=("\${(@f)$(writ __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -n "\${found[1]}" ]]; then compadd -a found; else _files; fi
}
if [ "\${funcstack[1]}" = "_writ" ]; then _writ "$@"; else compdef _writ writ; fi`;

const fish = `complete -c writ -f -a '(writ __complete -- (commandline -opc)[2..] (commandline -ct) 2>/dev/null)'`;

export const scripts = { bash, zsh, fish } as const;
export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];
