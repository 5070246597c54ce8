// The hub's configuration: one schema over file, environment and flags; the only place here that reads the environment.
import { homedir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { authorityFile, consoleOptions, loadConfig, webhookOptions } from '#api';
import { addressFault, brokerOptions } from '#federation';
import { spokeName } from '#protocol';
import { tracingOptions } from '#tracing';

/** The settings of a hub; docs/reference/config.md is made of them. */
export const hubConfig = z.strictObject({
  /** How this hub calls itself towards spokes. */
  name: spokeName.default('hub'),
  /** Where it listens; beyond loopback only once there is a key. */
  host: z.string().min(1).max(255).default('127.0.0.1'),
  /** 0 takes any that is free. */
  port: z.int().min(0).max(65_535).default(7_700),
  /** Shows `/metrics` without a key on this port of 127.0.0.1; without it they want the key of a viewer. */
  metricsPort: z.int().min(0).max(65_535).optional(),
  /** Keys and store. Owner only. */
  stateDir: z
    .string()
    .min(1)
    .max(4_096)
    .default(join(homedir(), '.writ', 'hub')),
  /** `redis://…` for a store shared by replicas; the embedded one by default. */
  store: z.url({ protocol: /^rediss?$/ }).optional(),
  /** What is written to standard output, one JSON a line. */
  logLevel: z.enum(['silent', 'error', 'warn', 'info', 'debug']).default('info'),
  /** The admin key of a first start where nobody reads the output: of `writ keys generate`. */
  adminKey: z.string().optional(),
  /** What invites name as the hub's address; where it listens, by default. */
  publicUrl: z.url({ protocol: /^https?$/ }).optional(),
  /** Networks beyond the public internet in which directly dialled spokes may be: `loopback`, `private`, or CIDR ranges. */
  networks: z.array(z.string().max(64)).max(100).default(['public', 'loopback']),
  /** A PEM file with authorities of your own, trusted besides the public ones: for spokes and whatever else this hub dials with TLS. */
  ca: authorityFile.optional(),
  /** Where spokes are met that cannot reach this hub, nor it them: a NATS server. Only with it are there invites to a broker. */
  broker: brokerOptions.optional(),
  /** How long a spoke may not be heard before it counts as lost: three of its heartbeats, the same on both sides. */
  heardMs: z.int().min(300).max(45_000).default(45_000),
  /** Agents that have ended and are kept in memory, the newest; older ones are read from the store. */
  fleetEndedMax: z.int().min(1).max(10_000_000).default(10_000),
  /** Accepted events of each spoke that whoever comes back to `GET /v1/events` finds again; older ones are forgotten. */
  eventsKeptMax: z.int().min(1).max(10_000_000).default(10_000),
  /** Branches of agents that were fetched from spokes as git bundles, kept in the state folder. */
  bundles: z
    .strictObject({
      /** The largest that is fetched. */
      eachBytesMax: z
        .int()
        .min(1_024)
        .max(2 ** 36)
        .default(256 * 2 ** 20),
      /** All that are kept; the one that nobody asked for the longest goes first. Up to eight may be on their way besides. */
      bytesMax: z
        .int()
        .min(0)
        .max(2 ** 40)
        .default(2 ** 30),
    })
    .prefault({}),
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
  /** The Agent2Agent protocol; see docs/a2a.md. */
  a2a: z
    .strictObject({
      /** Networks in which receivers of push notifications may be, as `networks` names them. */
      pushNetworks: z.array(z.string().max(64)).max(100).default(['public']),
    })
    .prefault({}),
  /** How long the hub goes on trying, in milliseconds. A kill outlives a long partition; a spawn is not wanted an hour later. */
  commands: z
    .strictObject({
      /** For spawns, turns and closes. */
      spawnMs: z.int().min(1_000).max(86_400_000).default(60_000),
      /** For kills; one outlives a long partition. */
      killMs: z.int().min(1_000).max(86_400_000).default(86_400_000),
    })
    .prefault({}),
});
export type HubConfig = z.output<typeof hubConfig>;

/** Of this process unless told otherwise. @throws WritError `config_invalid` with every fault at once */
export function readConfig(env = process.env, argv = process.argv.slice(2)): HubConfig {
  return loadConfig({ schema: hubConfig, env, argv });
}

/** A variable that `broker` or a webhook names. Read when it is needed, never kept. */
export function variable(name: string): string | undefined {
  return process.env[name];
}
