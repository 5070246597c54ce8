// The six words of a fingerprint, large: two people read them to each other, and only then is a key what it says it is.

export function SixWords({ words }: { readonly words: readonly string[] }) {
  return (
    <ol class="six-words" aria-label="The six words">
      {words.map((word, i) => (
        <li key={i}>{word}</li>
      ))}
    </ol>
  );
}
