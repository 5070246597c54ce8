// The tool of a hub alone: with whom it is connected.
import { WritError } from '#protocol';
import { z } from 'zod';
import { tool, type Tool } from './tool.js';

const listSpokes = tool({
  ...{ name: 'list_spokes', title: 'Spokes of this hub', role: 'viewer', isReadOnly: true },
  description:
    'The partners’ spokes: state of the connection, labels, and what each grants (agent types, repositories, limits). Look here before a spawn.',
  input: z.strictObject({}),
  run: async ({ spokes }) => {
    if (!spokes) throw new WritError('not_found', 'A spoke has no spokes.');
    return { structured: await spokes() };
  },
});

export const spokeTools: readonly Tool[] = [listSpokes];
