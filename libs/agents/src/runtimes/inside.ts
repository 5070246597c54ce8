// What an agent finds inside its sandbox, the same for every runtime and level: where things are, and the whole environment.
import { realpathSync } from 'node:fs';
import type { Mount } from '../sandbox/sandbox.js';

/** The worktree, and the working directory of every launch. */
export const workFolder = '/work';
export const skillsFolder = '/opt/writ/skills';
export const nodeInside = '/opt/writ/bin/node';
export const toolHostFolder = '/opt/writ/tools';

/** Nothing is inherited from the spoke: no key, no proxy, no personal configuration. */
export const environment: Readonly<Record<string, string>> = {
  PATH: '/opt/writ/bin:/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin',
  HOME: '/tmp',
  LANG: 'C.UTF-8',
  TERM: 'dumb',
  CI: '1',
  GIT_TERMINAL_PROMPT: '0',
};

/** The Node that runs the spoke, for tool hosts, tests and scripts inside. */
export function nodeMount(): Mount {
  return { from: realpathSync(process.execPath), to: nodeInside };
}
