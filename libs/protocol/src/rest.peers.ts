// The REST resources of connections: a hub's invites, spokes and commands; a spoke's hubs and grants.
import { z } from 'zod';
import { actor } from './actor.js';
import { grant } from './grant.js';
import { agentId, nonce128, spokeName, thumbprint, time } from './names.js';
import { operationName } from './operations.js';
import { pageCursor, pageLimit, problem, reason } from './rest.js';
import { labels, spokeRef } from './selection.js';

const words = z.array(z.string().max(20)).length(6);
const httpUrl = z.string().max(2_048);
const state = z.enum(['pending', 'active', 'suspended', 'closed']);
const half = z.strictObject({ state, agents: z.enum(['keep', 'kill']).optional(), counter: z.int().min(0) });

/** `POST /v1/invites`. Without `operations` the invite asks for all of them; it lives 15 minutes by default. */
export const inviteCreate = z.strictObject({
  operations: z.array(operationName).min(1).max(40).optional(),
  expiresInS: z.int().min(60).max(86_400).default(900),
  /** Accept whoever uses it without a look at the six words: off by default, and logged. */
  unattended: z.boolean().default(false),
  /** The spoke pairs and connects over the hub's broker: it need not reach the hub. */
  broker: z.boolean().default(false),
});
export type InviteCreate = z.input<typeof inviteCreate>;

export const invite = z.strictObject({
  id: nonce128,
  state: z.enum(['open', 'used', 'expired', 'revoked']),
  operations: z.array(operationName),
  unattended: z.boolean(),
  createdAt: time,
  expiresAt: time,
  actor,
  /** Name of the spoke that used it. */
  usedBy: spokeName.optional(),
});
export type Invite = z.infer<typeof invite>;
/** The answer of `POST /v1/invites`: `invite` is the line to hand over, shown this once. */
export const inviteCreated = z.strictObject({ ...invite.shape, invite: z.string().max(4_096) });
export type InviteCreated = z.infer<typeof inviteCreated>;
export const invitePage = z.strictObject({ invites: z.array(invite) });

/** A grant with its version, which grows with every edit. */
export const grantVersion = z.strictObject({ version: z.int().min(1), grant });
export type GrantVersion = z.infer<typeof grantVersion>;

/** `GET /v1/hubs/:id/grant`: the grant as its own admin sees it, with who wrote this version and why. */
export const heldGrant = z.strictObject({
  ...grantVersion.shape,
  edited: z.strictObject({ at: time, actor, reason: reason.optional() }).optional(),
});
export type HeldGrant = z.infer<typeof heldGrant>;

/** `PUT /v1/hubs/:id/grant`; which version it replaces stands in `If-Match`. */
export const grantEdit = z.strictObject({ grant, reason: reason.optional() });
export type GrantEdit = z.input<typeof grantEdit>;
/** With `dryRun` nothing changes, and the answer says what would. */
export const grantEditQuery = z.strictObject({ dryRun: z.stringbool().default(false) });

export const grantChange = z.strictObject({
  field: z.string(),
  effect: z.enum(['more', 'less', 'same']).describe('What it means for the hub'),
  from: z.enum(['at_once', 'next_spawn']).describe('`at_once` holds for running agents too'),
  words: z.string(),
});
/** The grant after the edit, or the one asked about and the version in force; what changed; and what that is to agents that run. */
export const grantEdited = z.strictObject({
  ...heldGrant.shape,
  dryRun: z.boolean(),
  changes: z.array(grantChange),
  running: z.strictObject({ agents: z.int().min(0), words: z.string() }),
});
export type GrantEdited = z.infer<typeof grantEdited>;

/** The events of a connection: of a spoke those it has journaled, of a hub those it has accepted. */
const journal = z.strictObject({
  epoch: nonce128,
  seq: z.int().min(0).describe('Of the last event, within the epoch'),
  /** The last time that an epoch took the place of another: after a restore from a backup, or a store that was lost. */
  break: z
    .strictObject({
      at: time,
      epoch: nonce128.describe('The epoch that ended'),
      accepted: z.int().min(0).describe('The last event of it that the hub is known to have'),
      journaled: z.int().min(0).optional().describe('The last event of it that the spoke remembered'),
    })
    .optional(),
});

const connection = {
  /** Instance id of the peer: the thumbprint of its root key. */
  id: thumbprint,
  name: spokeName,
  connectionId: nonce128,
  /** The six words of the peer's fingerprint. */
  words,
  /** What both halves make. */
  state,
  ours: half,
  theirs: half,
  connected: z.boolean(),
  heardAt: time.optional(),
  /** `open`: it took requests and did not answer; all but kills are refused until it is tried again. */
  circuit: z.enum(['closed', 'open', 'half_open']).optional(),
  /** Our clock less theirs: there while they are more than 30 s apart, and then no session comes about. */
  clockDifferenceS: z.int().optional(),
  link: z.strictObject({
    kind: z.enum(['outbound', 'direct', 'broker']),
    url: httpUrl.optional().describe('Absent for `broker`: each side has its own setting for that'),
  }),
  createdAt: time,
  /** Absent before the first link. */
  journal: journal.optional(),
  /** As the spoke states it. */
  grant: grantVersion.optional(),
};

/** A partner's spoke as the hub shows it; `:id` in paths is its name or its id. */
export const spoke = z.strictObject({
  ...connection,
  labels,
  /** Agents of this spoke that the hub believes alive. */
  liveAgents: z.int().min(0),
});
export type Spoke = z.infer<typeof spoke>;
export const spokePage = z.strictObject({ spokes: z.array(spoke) });

/** A hub as the spoke shows it; `:id` in paths is its name, its id or the connection id. */
export const hub = z.strictObject(connection);
export type Hub = z.infer<typeof hub>;
export const hubPage = z.strictObject({ hubs: z.array(hub) });

/** Accept, refuse, suspend, resume; the body may be left out. */
export const connectionAct = z.strictObject({ reason: z.string().trim().min(1).max(500).optional() }).default({});
export type ConnectionAct = z.input<typeof connectionAct>;

/** Close is final. Its agents are killed unless told otherwise. */
export const connectionClose = z
  .strictObject({
    agents: z.enum(['keep', 'kill']).default('kill'),
    reason: z.string().trim().min(1).max(500).optional(),
  })
  .default({ agents: 'kill' });
export type ConnectionClose = z.input<typeof connectionClose>;

/** `PUT /v1/spokes/:id/labels`: in place of those it had. */
export const labelsEdit = z.strictObject({ labels, reason: z.string().trim().min(1).max(500).optional() });
export type LabelsEdit = z.input<typeof labelsEdit>;

const inviteLine = z
  .string()
  .trim()
  .regex(/^writ1\.[A-Za-z0-9_-]{1,4000}\.[A-Za-z0-9_-]{4}$/, 'must be an invite: one line that starts with `writ1.`');

/** `POST /v1/hubs/inspect`: reads the invite without sending anything. */
export const hubInspect = z.strictObject({ invite: inviteLine });
export const inviteDetails = z.strictObject({
  id: thumbprint,
  name: spokeName,
  url: httpUrl,
  /** As the hub dials it; the spoke has its own setting. */
  broker: z.string().max(2_048).optional(),
  words,
  operations: z.array(operationName),
  expiresAt: time,
});
export type InviteDetails = z.infer<typeof inviteDetails>;

/** `POST /v1/hubs`: joins. `name` is how this spoke calls the hub; the hub's own name by default. */
export const hubJoin = z.strictObject({ invite: inviteLine, grant, name: spokeName.optional() });
export type HubJoin = z.input<typeof hubJoin>;

export const commandStates = ['pending', 'delivered', 'failed', 'timed_out'] as const;

/** A command on its way to a spoke. `timed_out` does not say that it was not carried out. */
export const command = z.strictObject({
  commandId: nonce128,
  op: operationName,
  spoke: spokeName,
  agentId: agentId.optional(),
  state: z.enum(commandStates),
  actor,
  createdAt: time,
  expiresAt: time,
  /** When the signed answer came. */
  answeredAt: time.optional(),
  problem: problem.optional(),
});
export type Command = z.infer<typeof command>;

/** `GET /v1/commands`, newest first. */
export const commandListQuery = z.strictObject({
  state: z.enum(commandStates).optional(),
  spoke: spokeRef.optional(),
  agentId: agentId.optional(),
  cursor: pageCursor.optional(),
  limit: pageLimit,
});
export type CommandListQuery = z.input<typeof commandListQuery>;
export const commandPage = z.strictObject({ commands: z.array(command), nextCursor: pageCursor.optional() });
export type CommandPage = z.infer<typeof commandPage>;
