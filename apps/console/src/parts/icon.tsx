// Pictograms, drawn in the colour of the text beside them. They say nothing that the text does not.

const paths = {
  fleet:
    'M12 12m-2.5 0a2.5 2.5 0 1 0 5 0a2.5 2.5 0 1 0-5 0M12 9.5V5M14.2 13.3l3.9 2.2M9.8 13.3l-3.9 2.2M12 3.2v.1M19.6 16.4v.1M4.4 16.4v.1',
  agents: 'M5 7h14M5 12h14M5 17h9',
  instance: 'M5 5h14v6H5zM5 13h14v6H5zM8 8v.1M8 16v.1',
  spokes: 'M8 8a4 4 0 1 1 8 0a4 4 0 0 1-8 0M4.5 20a7.5 7.5 0 0 1 15 0',
  charts: 'M4 19h16M7 15l3.5-4 3 2.5L18 8',
  audit: 'M7 3.5h7l4 4V20.5H7zM14 3.5v4h4M10 12h5M10 15.5h5',
  spawn: 'M12 5v14M5 12h14',
  stop: 'M8.5 3.5h7l5 5v7l-5 5h-7l-5-5v-7zM9 9l6 6M15 9l-6 6',
  question: 'M9.2 9a2.9 2.9 0 1 1 4 2.7c-.8.4-1.2 1-1.2 1.9M12 17v.1M12 3.5a8.5 8.5 0 1 0 0 17a8.5 8.5 0 0 0 0-17',
  usage: 'M12 4v16M16 7.5c-1-1-2.5-1.3-4-1.3c-2.2 0-4 1-4 2.800c0 4 8 2 8 6c0 1.8-1.8 3-4 3c-1.6 0-3.2-.5-4.2-1.6',
  machine: 'M4 5h16v6H4zM4 13h16v6H4zM7.5 8h.1M7.5 16h.1',
  hubs: 'M12 4.5a2.5 2.5 0 1 0 0 5a2.5 2.5 0 0 0 0-5M5 18.5a2 2 0 1 0 4 0a2 2 0 0 0-4 0M15 18.5a2 2 0 1 0 4 0a2 2 0 0 0-4 0M11 9.5l-3 7M13 9.5l3 7',
  sun: 'M12 8a4 4 0 1 0 0 8a4 4 0 0 0 0-8M12 3v1.500M12 19.500V21M3 12h1.500M19.5 12H21M5.6 5.600l1.1 1.100M17.3 17.300l1.1 1.100M5.6 18.400l1.1-1.100M17.3 6.700l1.1-1.1',
  moon: 'M19.5 14.500A8 8 0 0 1 9.5 4.500a8 8 0 1 0 10 10',
  screen: 'M4 5h16v11H4zM9 20h6M12 16v4',
  out: 'M14 4.500h5v15h-5M10 8l-4 4 4 4M6 12h9',
  key: 'M14.5 9.500a4 4 0 1 0-3.2 3.900L13 15h2v2h2v2h3v-3l-5.6-5.6',
  search: 'M10.5 5a5.5 5.5 0 1 0 0 11a5.5 5.5 0 0 0 0-11M15 15l5 5',
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={paths[name]} />
    </svg>
  );
}
