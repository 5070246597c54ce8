// Sandbox room: the level `none`, for development. The agent runs beside us as ourselves and sees what we see; only its end is sure:
// its own session, and a look at descendants, sessions, the environment's marker and, where there are cgroups, the group.
import { dirname } from 'node:path';
import type { Command } from './gate.js';
import { launchMarker } from './gate.js';
import type { Launch } from './ledger.js';
import type { Obstacle } from './process-sandbox.js';
import { ProcessSandbox } from './process-sandbox.js';
import { descendantsOf } from './process.js';
import type { Living } from './reaper.js';
import { defaultEnvironment, nodeFolder } from './root.js';
import type { LaunchSpec, Mount } from './sandbox.js';

export class NoneSandbox extends ProcessSandbox {
  override readonly level = 'none';
  protected override readonly walls = ['session'];
  protected override readonly grouped = true;
  protected override readonly isWalled = false;

  constructor(
    private readonly allowed: boolean,
    ...parts: ConstructorParameters<typeof ProcessSandbox>
  ) {
    super(...parts);
  }

  protected override obstacle(): Promise<Obstacle | null> {
    const refusal = {
      reason: 'An agent without a sandbox is allowed in development only.',
      cure: 'Install bubblewrap; on a machine of your own, allow the level `none` in the configuration of the spoke.',
    };
    return Promise.resolve(this.allowed ? null : refusal);
  }

  /** Nothing can be mounted: in arguments, for the folder and for HOME, a path inside is taken for the host's path that it would show. */
  protected override command({ argv, env, cwd, mounts }: LaunchSpec): Promise<Command> {
    const [program, ...args] = argv;
    const words = args.map((word) => onHost(word, mounts));
    const home: Record<string, string> = env.HOME === undefined ? {} : { HOME: onHost(env.HOME, mounts) };
    const path = { PATH: (env.PATH ?? defaultEnvironment.PATH).replace(nodeFolder, dirname(process.execPath)) };
    return Promise.resolve({
      argv: [onHost(program, mounts), ...words],
      env: { ...env, ...home, ...path },
      cwd: onHost(cwd, mounts),
    });
  }

  protected override init(): null {
    return null;
  }

  protected override living({ id, outer }: Launch): Living {
    return { holders: [], inside: descendantsOf([outer], launchMarker(id)) };
  }
}

function onHost(path: string, mounts: readonly Mount[]): string {
  const shown = mounts
    .filter(({ to }) => path === to || path.startsWith(`${to}/`))
    .sort((one, other) => other.to.length - one.to.length)[0];
  return shown ? shown.from + path.slice(shown.to.length) : path;
}
