import { sessionContract } from './session.contract.js';

sessionContract('https');
