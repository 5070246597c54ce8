// The sign of Writ: a hub and its spokes, under one seal.

export function Mark() {
  return (
    <span class="mark">
      <svg viewBox="0 0 32 32" aria-hidden="true" focusable="false">
        <circle class="mark-seal" cx="16" cy="16" r="15" />
        <path class="mark-lines" d="M16 16V7M16 16l7.8 4.500M16 16l-7.8 4.5" />
        <circle class="mark-dots" cx="16" cy="16" r="3.2" />
        <circle class="mark-dots" cx="16" cy="7" r="2.2" />
        <circle class="mark-dots" cx="23.8" cy="20.5" r="2.2" />
        <circle class="mark-dots" cx="8.2" cy="20.5" r="2.2" />
      </svg>
      <span>Writ</span>
    </span>
  );
}
