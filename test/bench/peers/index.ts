// All pairs that the row `status-roundtrip` compares.
import { a2a } from './a2a.js';
import { floor } from './floor.js';
import { nestFastify } from './nest-fastify.js';
import { nestTcp } from './nest-tcp.js';

export const pairs = [nestFastify, nestTcp, a2a, floor];
