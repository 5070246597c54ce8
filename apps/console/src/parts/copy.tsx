// A line to hand over: shown whole, taken with one press.
import { useState } from 'preact/hooks';

export function Copy({ text, label }: { readonly text: string; readonly label: string }) {
  const [said, say] = useState('');
  const take = () =>
    navigator.clipboard.writeText(text).then(
      () => say('Copied.'),
      () => say('The browser does not let it be copied; select the line.'),
    );
  return (
    <div class="copy">
      <code class="copy-line" tabIndex={0} aria-label={label}>
        {text}
      </code>
      <button type="button" class="button" onClick={() => void take()}>
        Copy
      </button>
      <span role="status" class="small faint">
        {said}
      </span>
    </div>
  );
}
