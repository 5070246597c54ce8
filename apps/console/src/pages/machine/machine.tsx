// The machine of this spoke: what is kept warm, what lies on its disk, and whether it takes new agents.
import { useMay } from '../../parts/allowed.js';
import { Disk } from './disk.js';
import { Drain } from './drain.js';
import { Pool } from './pool.js';

export default function Machine() {
  const isAdmin = useMay('admin');
  return (
    <div class="stack">
      <div class="page-head">
        <div>
          <h1>Machine</h1>
          <p>What is kept warm, what lies on the disk, and whether new agents are taken.</p>
        </div>
      </div>
      <Drain isAdmin={isAdmin} />
      <Pool />
      {isAdmin && <Disk />}
    </div>
  );
}
