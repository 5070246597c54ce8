// All of `writ`: the options that every command takes, and the commands.
import { Command, Option } from 'commander';
import { addAudit } from './commands/audit.js';
import { addMcp } from './commands/mcp.js';
import { addOrders } from './commands/orders.js';
import { addAgents } from './commands/agents.js';
import { addBackup } from './commands/backup.js';
import { addCommands } from './commands/commands.js';
import { addCompletion } from './commands/completion.js';
import { addContext } from './commands/context.js';
import { addConnections } from './commands/connections.js';
import { addDoctor } from './commands/doctor.js';
import { addDrain } from './commands/drain.js';
import { addEvents } from './commands/events.js';
import { addFetch } from './commands/fetch.js';
import { addGc } from './commands/gc.js';
import { addGrants } from './commands/grants/grants.js';
import { addKeys } from './commands/keys.js';
import { addKill } from './commands/kill.js';
import { addLabels } from './commands/labels.js';
import { addPool } from './commands/pool.js';
import { addReady } from './commands/ready.js';
import { addInvites } from './commands/invites.js';
import { addSessions } from './commands/sessions.js';
import { addPairing } from './commands/pairing.js';
import { addQuestions } from './commands/questions.js';
import { addSpawn } from './commands/spawn.js';
import { addStart } from './commands/start.js';
import { addTop } from './commands/top.js';
import { addUsage } from './commands/usage.js';
import { exitCodesHelp } from './exit.js';
import { outputForms } from './world.js';
import type { World } from './world.js';

const firstSteps = `
From nothing to an agent on a partner's machine:
  writ hub                                           # you
  writ invite                                        # you: one line to hand over
  writ join INVITE --allow worker --repo PATTERN     # your partner
  writ accept SPOKE                                  # you, after comparing six words
  writ spawn --spoke SPOKE --repo URL --item "…" --wait`;

export function buildProgram(world: World, version: string): Command {
  const program = new Command('writ')
    .description('Federated hub-and-spoke gateway for AI agents.')
    .version(version, '-V, --version')
    .option('--context <name>', 'the instance kept under this name (WRIT_CONTEXT): see `writ context`')
    .option('--url <url>', 'the instance to talk to (WRIT_URL); the one of this machine by default')
    .option('--key <key>', 'API key (WRIT_API_KEY, which no process list shows)')
    .option('--state <dir>', 'state folder of the instance (WRIT_STATE); ~/.writ/hub or ~/.writ/spoke by default')
    .option('--ca <file>', 'authorities of your own for an https --url, PEM (WRIT_CA)')
    .addOption(
      new Option('--on <role>', 'which one, where both run here; the hub by default').choices(['hub', 'spoke']),
    )
    .addOption(
      new Option('-o, --output <form>', 'table for people, json for programs, plain when piped').choices(outputForms),
    )
    .addHelpText('after', `${firstSteps}\n${exitCodesHelp}`)
    .configureOutput({ writeOut: world.out, writeErr: world.err })
    .exitOverride();
  for (const add of [
    addStart,
    addContext,
    addPairing,
    addConnections,
    addInvites,
    addGrants,
    addSpawn,
    addAgents,
    addTop,
    addEvents,
    addFetch,
    addSessions,
    addPool,
    addCommands,
    addKill,
    addLabels,
    addQuestions,
    addKeys,
    addAudit,
    addOrders,
    addGc,
    addBackup,
    addDrain,
    addUsage,
    addMcp,
    addDoctor,
    addReady,
    addCompletion,
  ])
    add(program, world);
  return program;
}
