// Order of the suite: what takes longest begins first, so that no worker is left with it at the end. Jest remembers how long files took
// where it has run before; on a clean clone it goes by their size, and the longest are short files that run a contract.
import Sequencer from '@jest/test-sequencer';

const slowest = [/sandbox\.docker/, /sandbox\.(unshare|namespace|none|fork-server)/, /test\/faults\//, /recovery/];

const rank = ({ path }) => {
  const found = slowest.findIndex((pattern) => pattern.test(path));
  return found === -1 ? slowest.length : found;
};

export default class SlowestFirst extends Sequencer {
  sort(tests) {
    return super.sort(tests).sort((one, other) => rank(one) - rank(other));
  }
}
