// The reason of an act that is asked for on the page itself, not in a dialog.

interface ReasonFieldProps {
  readonly isNeeded?: boolean;
  readonly value: string;
  readonly onInput: (text: string) => void;
}

export function ReasonField({ isNeeded = false, value, onInput }: ReasonFieldProps) {
  return (
    <label class="field">
      <span>{isNeeded ? 'Reason' : 'Reason (optional)'}</span>
      <input
        {...{ name: 'reason', value, required: isNeeded, maxLength: 500, autocomplete: 'off' }}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
      <span class="hint">It goes into the records.</span>
    </label>
  );
}

/** For a body: no reason is no member. */
export const why = (reason: string) => (reason.trim() === '' ? {} : { reason: reason.trim() });
