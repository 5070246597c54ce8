import { DirectStarter } from './direct.js';
import { starterContract } from './starter.contract.js';

starterContract(() => Promise.resolve(new DirectStarter()));
