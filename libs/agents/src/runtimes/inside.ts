// What an agent finds inside its sandbox, the same for every runtime and level: where things are, and what its environment adds.

/** The worktree, and the working directory of every launch. */
export const workFolder = '/work';
export const skillsFolder = '/opt/writ/skills';
export const toolHostFolder = '/opt/writ/tools';
/** Where the folder of an agent is that its runtime's configuration names. */
export const agentFolder = '/opt/writ/agent';
/** Where the home of a session is that its runtime keeps. */
export const homeFolder = '/opt/writ/home';

/** Added to the sandbox's own (PATH with the Node of the spoke as `node`, HOME, LANG). Nothing is inherited from the spoke: no key, no proxy, no personal configuration. */
export const environment: Readonly<Record<string, string>> = {
  TERM: 'dumb',
  CI: '1',
  GIT_TERMINAL_PROMPT: '0',
  // Pipes of Node are sockets, and a bash that starts on a socket takes itself for a remote login and reads ~/.bashrc; not at a level above 1.
  SHLVL: '1',
};
