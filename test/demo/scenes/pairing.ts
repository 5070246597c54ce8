// Scene one: two partners join the hub, each under a grant of its own.
import type { GrantInput } from '#protocol';
import { until } from '../../support/until.js';
import type { Narrator } from '../narrator.js';
import type { Player, Stage } from '../stage.js';

/** Invite, join, compare the words, accept, and wait until the link is there. */
export async function pair(
  stage: Stage,
  tell: Narrator,
  name: string,
  spoke: Player,
  grant: GrantInput,
): Promise<void> {
  const { invite } = await stage.hub.client.invites.create({});
  tell.step(`The hub makes an invite for ${name}: ${invite.slice(0, 24)}…`);
  const hub = await spoke.client.hubs.join({ invite, grant });
  tell.step(`${name} sees the hub's words “${hub.words.join(' ')}” and joins; it opens no port for it.`);
  const waiting = await stage.hub.client.spokes.get(name);
  tell.step(`The hub sees ${name}'s words “${waiting.words.join(' ')}” and accepts.`);
  await stage.hub.client.spokes.accept(name);
  await until(`${name} is connected`, async () => {
    const { state, connected } = await stage.hub.client.spokes.get(name);
    return state === 'active' && connected;
  });
}

/** What both partners allow: workers on one repository, in this machine's strongest sandbox. */
export function grantFor(stage: Stage, repository: string): GrantInput {
  return {
    operations: [
      'agent.spawn',
      'agent.status',
      'agent.kill',
      'agents.kill',
      'agents.resume',
      'agent.list',
      'agent.output',
      'agent.artifact',
      'instance.info',
    ],
    agentTypes: ['worker'],
    repositories: [repository],
    sandbox: stage.sandbox,
    concurrentMax: 2,
    limits: { wallMs: 600_000 },
  };
}
