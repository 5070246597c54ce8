// `npm run demo`: a hub, two partners, a repair, a kill, a forgery, in half a minute. Flags: --json, --keep, --repo PATH, --script FILE.
import { once } from 'node:events';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { Narrator } from './narrator.js';
import { branchOf, makeSampleRepository } from './sample-repository.js';
import { forgery } from './scenes/forgery.js';
import { kill } from './scenes/kill.js';
import { grantFor, pair } from './scenes/pairing.js';
import { repair, type Job } from './scenes/repair.js';
import { Stage } from './stage.js';

const { values: flags } = parseArgs({
  options: {
    json: { type: 'boolean' },
    keep: { type: 'boolean' },
    repo: { type: 'string' },
    script: { type: 'string' },
  },
});

function jobOn(stage: Stage): Job {
  const workItem = 'Repair the failing test.';
  if (flags.repo === undefined) {
    return { repository: makeSampleRepository(stage.room('sample')), branch: 'main', workItem, sample: true };
  }
  const folder = resolve(flags.repo);
  return { repository: pathToFileURL(folder).href, branch: branchOf(folder), workItem, sample: false };
}

async function play(stage: Stage, tell: Narrator) {
  tell.scene('A hub and two partners, each a process of its own');
  await stage.open(flags.script === undefined ? {} : { script: resolve(flags.script) });
  tell.step(
    `hub ${stage.hub.instance.url}, spokes north and south; ${modelLine()}; sandbox: ${stage.sandbox}${stage.sandbox === 'none' ? ' (no namespace can be made here; `writ doctor` names the cure)' : ''}.`,
  );
  const job = jobOn(stage);
  for (const [name, player] of [
    ['north', stage.north],
    ['south', stage.south],
  ] as const)
    await pair(stage, tell, name, player, grantFor(stage, job.repository));
  tell.scene('An agent repairs a failing test on north');
  const repaired = await repair(stage, tell, job);
  tell.scene('An agent that would run for ever on south');
  const killed = await kill(stage, tell, job.repository, job.branch);
  tell.scene('Somebody on the wire');
  const refused = await forgery(stage, tell);
  const agents = [repaired, killed.agent].map(({ agentId, state, spoke, result }) => ({
    agentId,
    state,
    spoke: spoke?.name,
    commit: result?.commit,
  }));
  return { ok: killed.survivors === 0, agents, refused, survivors: killed.survivors, events: stage.events.count };
}

const modelLine = () =>
  process.env.ANTHROPIC_API_KEY ? 'the real model API' : 'an understudy plays the model from a script';

async function keep(stage: Stage): Promise<void> {
  const players = [stage.hub, stage.north, stage.south];
  const lines = players.map(
    ({ instance }) =>
      `  writ --state ${instance.options.stateDir} ps    # ${instance.options.name} at ${instance.url}/docs`,
  );
  process.stderr.write(`\nStill running. Look with:\n${lines.join('\n')}\nCtrl-C ends it and removes everything.\n`);
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
}

const stage = new Stage();
const tell = new Narrator(flags.json ?? false);
try {
  const outcome = await play(stage, tell);
  if (flags.keep) await keep(stage);
  if (flags.json) process.stdout.write(`${JSON.stringify(outcome)}\n`);
  else
    tell.step(`${outcome.events} events, ${outcome.refused.length} commands refused, ${outcome.survivors} survivors.`);
  process.exitCode = outcome.ok ? 0 : 1;
} catch (error) {
  process.stderr.write(`\nThe demo failed: ${error instanceof Error ? error.message : String(error)}\n`);
  process.stderr.write(`${stage.lastWords()}\n`);
  process.exitCode = 1;
} finally {
  await stage.close();
}
