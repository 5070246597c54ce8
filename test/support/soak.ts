// `npm run soak`: the numbers that take an hour instead of minutes.
export const soak = process.env.WRIT_SOAK === '1';
