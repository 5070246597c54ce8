// Sandbox room: one set of limits for all containers of an agent. The engine makes them below a cgroup of ours (`CgroupParent`), and
// the kernel holds what is below a group, however much it is, to the limits of the group.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { findRoots, type CgroupTree } from './cgroup-trees.js';
import { Cgroups, groupName } from './cgroups.js';
import type { EngineFacts } from './docker-engine.js';
import type { ResourceLimits } from './sandbox.js';

export class SharedGroups {
  readonly #cgroups: Cgroups;

  private constructor(
    tree: CgroupTree,
    private readonly spokeId: string,
    private readonly points: readonly string[],
  ) {
    this.#cgroups = new Cgroups(tree, spokeId);
  }

  /**
   * Null where the groups that the engine makes are not ours to limit: its driver `systemd` leaves them to another, and beside root
   * nobody may make them. Whether the engine sees the same tree as we is to be tried (`holds`).
   */
  static async find({ CgroupDriver, CgroupVersion }: EngineFacts, spokeId: string): Promise<SharedGroups | null> {
    if (CgroupDriver !== 'cgroupfs') return null;
    const { tree, points } = await findRoots(CgroupVersion === '2' ? 2 : 1);
    const groups = new SharedGroups(tree, spokeId, points);
    return groups.#cgroups.enforceable.length === 3 ? groups : null;
  }

  /** Wherever an engine may have made the group of an agent: it lays it in every tree, and leaves it there. */
  static async everywhere(spokeId: string, agentId: string): Promise<readonly string[]> {
    const { points } = await findRoots(1);
    return points.map((point) => join(point, groupName(spokeId, agentId)));
  }

  /** What the engine is to be given as `CgroupParent`. */
  parent(agentId: string): string {
    return `/${groupName(this.spokeId, agentId)}`;
  }

  places(agentId: string): readonly string[] {
    return this.points.map((point) => join(point, this.parent(agentId)));
  }

  /** @throws WritError `limit_unenforceable` */
  async make(agentId: string, limits: ResourceLimits): Promise<void> {
    await this.#cgroups.make(agentId, limits, this.#cgroups.paths(agentId, limits, false));
  }

  /** Whether that container is below every group that these limits are set on. */
  holds(agentId: string, limits: ResourceLimits, containerId: string): boolean {
    const paths = this.#cgroups.paths(agentId, limits, false);
    return paths.every((path) => existsSync(join(path, containerId)));
  }
}
