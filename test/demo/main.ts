// `npm run demo`: a hub, two partners, a repair, a kill, a forgery, in half a minute. Flags: --json, --keep, --repo PATH, --script FILE.
import { once } from 'node:events';
import { Narrator } from './narrator.js';
import { makeSampleRepository } from './sample-repository.js';
import { forgery } from './scenes/forgery.js';
import { kill } from './scenes/kill.js';
import { grantFor, pair } from './scenes/pairing.js';
import { repair, type Job } from './scenes/repair.js';
import { Stage } from './stage.js';
import { readWishes, WrongUsage, type Wishes } from './wishes.js';

function jobOn(stage: Stage, { repository }: Wishes): Job {
  const workItem = 'Repair the failing test.';
  if (repository) return { repository: repository.url, branch: repository.branch, workItem, folder: repository.folder };
  return { repository: makeSampleRepository(stage.room('sample')), branch: 'main', workItem };
}

async function play(stage: Stage, tell: Narrator, wishes: Wishes) {
  tell.scene('A hub and two partners, each a process of its own');
  await stage.open();
  tell.step(
    `hub ${stage.hub.instance.url}, spokes north and south; ${modelLine(stage)}; sandbox: ${stage.sandbox}${stage.sandbox === 'none' ? ' (no namespace can be made here; `writ doctor` names the cure)' : ''}.`,
  );
  const job = jobOn(stage, wishes);
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
    branch: result?.branch,
    commit: result?.commit,
  }));
  return { ok: killed.survivors === 0, agents, refused, survivors: killed.survivors, events: stage.events.count };
}

const modelLine = ({ key }: Stage) =>
  key === undefined ? 'an understudy plays the model from a script' : 'the real model API';

async function keep(stage: Stage): Promise<void> {
  const players = [stage.hub, stage.north, stage.south];
  const lines = players.map(
    ({ instance }) =>
      `  writ --state ${instance.options.stateDir} ps    # ${instance.options.name} at ${instance.url}/docs`,
  );
  process.stderr.write(`\nStill running. Look with:\n${lines.join('\n')}\nCtrl-C ends it and removes everything.\n`);
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
}

async function perform(wishes: Wishes): Promise<void> {
  const stage = new Stage(wishes.script);
  const tell = new Narrator(wishes.json);
  try {
    const outcome = await play(stage, tell, wishes);
    if (wishes.keep) await keep(stage);
    const { ok, events, refused, survivors } = outcome;
    if (wishes.json) process.stdout.write(`${JSON.stringify(outcome)}\n`);
    else tell.step(`${events} events, ${refused.length} commands refused, ${survivors} survivors.`);
    process.exitCode = ok ? 0 : 1;
  } catch (error) {
    process.stderr.write(`\nThe demo failed: ${error instanceof Error ? error.message : String(error)}\n`);
    process.stderr.write(`${stage.lastWords()}\n`);
    process.exitCode = 1;
  } finally {
    await stage.close();
  }
}

try {
  await perform(await readWishes(process.argv.slice(2)));
} catch (error) {
  if (!(error instanceof WrongUsage)) throw error;
  process.stderr.write(`The demo cannot begin: ${error.message}\n`);
  process.exitCode = 2;
}
