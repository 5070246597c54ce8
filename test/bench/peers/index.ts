// All pairs that the row `status-roundtrip` compares: ours first, then the peers.
import { a2a } from './a2a.js';
import { floor } from './floor.js';
import { nestFastify } from './nest-fastify.js';
import { nestTcp } from './nest-tcp.js';
import { writ } from './writ.js';

export const pairs = [writ, nestFastify, nestTcp, a2a, floor];
