import { sessionContract } from './session.contract.js';

sessionContract('pair');
