// The spoke's configuration: one schema over file, environment and flags; the only place here that reads the environment.
import { homedir, hostname } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import {
  agentsOptions,
  dockerOptions,
  egressHosts,
  budgetOptions,
  checkpointOptions,
  gcOptions,
  poolOptions,
  profileOptions,
  remoteOptions,
  reviewOptions,
  runtimeOptions,
  skillOptions,
} from '#agents';
import { authorityFile, consoleOptions, loadConfig, webhookOptions } from '#api';
import { addressFault, brokerOptions } from '#federation';
import { spokeName } from '#protocol';
import { tracingOptions } from '#tracing';

/** Tells partners apart without a setting; what is no name, or says nothing, gives `spoke`. */
function hostName(): string {
  const [label] = hostname().split('.');
  const name = spokeName.safeParse(label);
  return name.success && name.data !== 'localhost' ? name.data : 'spoke';
}

const heartbeatMsMax = 15_000;

/** The settings of a spoke; docs/reference/config.md is made of them. */
export const spokeConfig = z
  .strictObject({
    /** How this spoke calls itself towards hubs: the host's name by default. */
    name: spokeName.default(hostName),
    /** Where it listens; beyond loopback only once there is a key. */
    host: z.string().min(1).max(255).default('127.0.0.1'),
    /** 0 takes any that is free. */
    port: z.int().min(0).max(65_535).default(7_710),
    /** Shows `/metrics` without a key on this port of 127.0.0.1; without it they want the key of a viewer. */
    metricsPort: z.int().min(0).max(65_535).optional(),
    /** Keys, store, worktrees, output. Owner only. */
    stateDir: z
      .string()
      .min(1)
      .max(4_096)
      .default(join(homedir(), '.writ', 'spoke')),
    /** `redis://…` for a store shared by replicas; the embedded one by default. */
    store: z.url({ protocol: /^rediss?$/ }).optional(),
    /** What is written to standard output, one JSON a line. */
    logLevel: z.enum(['silent', 'error', 'warn', 'info', 'debug']).default('info'),
    /** The admin key of a first start where nobody reads the output: of `writ keys generate`. */
    adminKey: z.string().optional(),
    /** A public URL under which hubs may dial this spoke; without it the spoke dials out and opens no port for them. */
    publicUrl: z.url({ protocol: /^https?$/ }).optional(),
    /** Networks beyond the public internet in which hubs may be: `loopback`, `private`, or CIDR ranges. */
    networks: z.array(z.string().max(64)).max(100).default(['public', 'loopback']),
    /** A PEM file with authorities of your own, trusted besides the public ones: for hubs, the model API and whatever else this spoke dials with TLS. */
    ca: authorityFile.optional(),
    /** Where hubs are met whose invites name a broker: a NATS server, as this spoke reaches it. */
    broker: brokerOptions.optional(),
    /** Events of each owner of agents that whoever comes back to `GET /v1/events` finds again; older ones are forgotten once relayed. */
    eventsKeptMax: z.int().min(1).max(10_000_000).default(10_000),
    /** A sign of life to each hub at least this often. */
    heartbeatMs: z.int().min(100).max(heartbeatMsMax).default(heartbeatMsMax),
    /** How long a hub may not be heard before it counts as lost: three heartbeats, the same on both sides. */
    heardMs: z.int().min(300).max(45_000).default(45_000),
    agents: agentsOptions.omit({ stateDir: true, egress: true, gc: true, pool: true }).prefault({}),
    /** What a session can go back to: how many checkpoints, in how many bytes. */
    checkpoints: checkpointOptions.prefault({}),
    /** Warm backends of sessions: how many, how long. */
    pool: poolOptions.prefault({}),
    gc: gcOptions.prefault({}),
    sandbox: z
      .strictObject({
        /** Whether agents may run without any wall, with all that this user may: for development alone. */
        allowNone: z.boolean().default(false),
        docker: dockerOptions.prefault({}),
      })
      .prefault({}),
    /** What may be spent over all hubs and local agents together. */
    budget: budgetOptions.prefault({}),
    repositories: z
      .strictObject({
        /** Whether `file://` repositories on this machine may be used. */
        allowFile: z.boolean().default(false),
        /** How long one fetch may take. */
        fetchMs: z.int().min(1_000).max(3_600_000).default(300_000),
        /** How large what is fetched may be. */
        bytesMax: z
          .int()
          .min(1)
          .default(4 * 2 ** 30),
        /** Worktrees made ahead of the next agents, over all repositories; 0 makes none. Each takes the disk of a checkout. */
        readyMax: z.int().min(0).max(100).default(2),
        /** Only of branches with at least so many files. */
        readyFilesMin: z.int().min(1).max(100_000_000).default(2_000),
      })
      .prefault({}),
    egress: z
      .strictObject({
        /** Hosts that agents may be let reach: `registry.npmjs.org`, `*.example.org`, `host:8443`. Each agent reaches those that its spawn asked for; none by default. */
        hosts: egressHosts.default([]),
        /** Networks in which these hosts may be: `public`, `loopback`, `private`, or CIDR ranges. */
        networks: z.array(z.string().max(64)).max(100).default(['public']),
      })
      .prefault({}),
    /** SSH keys, HTTPS tokens and branches to push to, by URL pattern, the first that matches: `repositories`, `ssh`, `https`, `push`. */
    remotes: remoteOptions,
    /** What the work of agents has to pass before it counts, and before it leaves. */
    review: reviewOptions.prefault({}),
    /** The signed record of what was asked and answered. */
    audit: z
      .strictObject({
        /** Rows older than that go from the beginning of a log; a row says which. */
        retentionDays: z.int().min(1).max(3_650).default(400),
        /** How often each side signs its log and the other countersigns, while anything is written. */
        checkpointEveryMs: z.int().min(1_000).max(86_400_000).default(3_600_000),
      })
      .prefault({}),
    /** Where spans of OpenTelemetry are sent: `url`, `authorizationEnv`, `samplePercent`; nowhere by default. */
    tracing: tracingOptions.optional(),
    /** The web console at `/console/`. */
    console: consoleOptions(variable).prefault({}),
    /** Who is told of events over HTTP, signed: `name`, `url`, `secretFile` or `secretEnv`, `types`, `networks`; see docs/operations.md. */
    webhooks: webhookOptions({ variable, fault: addressFault }),
    profiles: profileOptions,
    /** What agents run on, each under a name of its own; see below. */
    runtimes: runtimeOptions,
    /** The allow-list of skills: a name, and the absolute path of the folder with its `SKILL.md`. */
    skills: skillOptions,
  })
  // A heartbeat beyond its own bound is one fault, not two.
  .refine(({ heartbeatMs, heardMs }) => heardMs >= 3 * Math.min(heartbeatMs, heartbeatMsMax), {
    path: ['heardMs'],
    error: 'It has to be three times heartbeatMs, at least.',
  });
export type SpokeConfig = z.output<typeof spokeConfig>;

/** Of this process unless told otherwise. @throws WritError `config_invalid` with every fault at once */
export function readConfig(env = process.env, argv = process.argv.slice(2)): SpokeConfig {
  return loadConfig({ schema: spokeConfig, env, argv });
}

/** The key of the model API. Read when an agent needs it and handed on, never kept and never shown to an agent. */
export function modelKey(): string | undefined {
  return process.env.ANTHROPIC_API_KEY;
}

/** A variable that `remotes`, `broker` or a webhook names. Read when it is needed, never kept. */
export function variable(name: string): string | undefined {
  return process.env[name];
}
