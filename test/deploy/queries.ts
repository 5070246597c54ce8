// What a PromQL query names: enough of its grammar to find each metric with the labels that are asked of it.

export interface Asked {
  readonly metrics: readonly string[];
  /** Of a selector, with the metric it belongs to; of a grouping or matching, without. */
  readonly labels: readonly { readonly metric?: string; readonly label: string }[];
}

const words = new Set(['and', 'or', 'unless', 'bool', 'offset', 'by', 'without', 'on', 'ignoring', 'inf', 'nan']);

export function askedBy(query: string): Asked {
  const bare = query.replace(/"(?:[^"\\]|\\.)*"/g, '""').replace(/\[[^\]]*\]/g, '');
  const grouping = /\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)/g;
  const grouped = [...bare.matchAll(grouping)].flatMap(([, list = '']) => list.split(',').map((one) => one.trim()));
  const chosen = [...bare.matchAll(/([a-zA-Z_:][\w:]*)\{([^}]*)\}/g)].flatMap(([, metric = '', list = '']) =>
    [...list.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, label = '']) => ({ metric, label })),
  );
  const left = bare.replace(grouping, ' ').replace(/\{[^}]*\}/g, ' ');
  const names = [...left.matchAll(/(?<![\w.])([a-zA-Z_:][\w:]*)(?!\s*\(|[\w:])/g)].map(([, name = '']) => name);
  const labels = [...grouped.filter((label) => label !== '').map((label) => ({ label })), ...chosen];
  return { metrics: names.filter((name) => !words.has(name.toLowerCase())), labels };
}
