// `writ completion`: a shell completes commands, options, and the names of what exists.
import type { Command } from 'commander';
import { Argument } from 'commander';
import type { RestClient } from '#client';
import { candidates, type AskKnown, type Known } from '../completion/candidates.js';
import { scripts, shells, type Shell } from '../completion/scripts.js';
import { readContexts } from '../contexts.js';
import { Desk } from '../desk.js';
import type { World } from '../world.js';

/** Nobody waits longer for a key press, in milliseconds. */
const askMs = 1_500;
const agentsMax = 50;

const examples = `
Examples:
  source <(writ completion bash)                 # in ~/.bashrc
  source <(writ completion zsh)                  # in ~/.zshrc
  writ completion fish > ~/.config/fish/completions/writ.fish`;

export function addCompletion(program: Command, world: World): void {
  program
    .command('completion')
    .description('What a shell reads to complete `writ`, names of agents and peers included')
    .addArgument(new Argument('<shell>').choices(shells))
    .addHelpText('after', examples)
    .action((shell: Shell) => world.out(`${scripts[shell]}\n`));
  program
    .command('__complete', { hidden: true })
    .argument('[words...]')
    .action(async (words: string[], _options: unknown, command: Command) => {
      const found = await candidates(program, words, askOf(world, command));
      world.out(found.map((one) => `${one}\n`).join(''));
    });
}

/** An instance that does not answer in time knows nothing; completion never complains. */
function askOf(world: World, command: Command): AskKnown {
  return async (what) => {
    try {
      if (what === 'context') return Object.keys(readContexts(world).contexts);
      const desk = new Desk(world, command);
      const late = AbortSignal.timeout(askMs);
      const ended = new Promise<never>((_, reject) => late.addEventListener('abort', () => reject(new Error('late'))));
      return await Promise.race([desk.with('either', (client) => namesOf(client, what)), ended]);
    } catch {
      return [];
    }
  };
}

async function namesOf(client: RestClient, what: Exclude<Known, 'context'>): Promise<string[]> {
  if (what === 'agent') return (await client.agents.list({ limit: agentsMax })).agents.map(({ agentId }) => agentId);
  const { role } = await client.instance();
  if (what !== 'peer' && what !== (role === 'hub' ? 'spoke' : 'hub')) return [];
  const peers = role === 'hub' ? await client.spokes.list() : await client.hubs.list();
  return peers.map(({ name }) => name);
}
