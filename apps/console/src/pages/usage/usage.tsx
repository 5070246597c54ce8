// What was spent on this spoke: today against the limits of each hub, and over days by day, hub or repository.
import { usePlace } from '../../routing/router.js';
import { Spending } from './spending.js';
import { Today } from './today.js';

export default function Usage() {
  const { query } = usePlace();
  return (
    <div class="stack">
      <div class="page-head">
        <div>
          <h1>Usage</h1>
          <p>Days are of UTC, as the limits are.</p>
        </div>
      </div>
      <Today />
      <Spending query={query} />
    </div>
  );
}
