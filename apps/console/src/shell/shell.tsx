// What stands around every page: where one is, where one can go, whether it is live, who is signed in.
import { useEffect } from 'preact/hooks';
import type { SessionResource } from '#protocol';
import { startFeed } from '../live/feed.js';
import { Icon } from '../parts/icon.js';
import { may } from '../rest/proof.js';
import { signOut } from '../rest/session.js';
import { Link, match, usePlace } from '../routing/router.js';
import { routes, type Route } from '../routes.js';
import { useCell } from '../state/cell.js';
import { LineState } from './line.js';
import { Mark } from './mark.js';
import { PageOf } from './page.js';
import { chooseTheme, theme, type Theme } from './theme.js';

const themes = { system: 'screen', light: 'sun', dark: 'moon' } as const;
const nextTheme: Record<Theme, Theme> = { system: 'light', light: 'dark', dark: 'system' };

/** A page is shown to whom it is of use; the instance refuses all else anyway. */
const isFor = ({ on, role }: Route, { instance, key }: SessionResource) =>
  on.includes(instance.role) && may(key.role, role);

export function Shell({ who }: { readonly who: SessionResource }) {
  useEffect(() => {
    const gone = new AbortController();
    startFeed(gone.signal);
    return () => gone.abort();
  }, []);
  const open = routes.filter((route) => isFor(route, who));
  return (
    <div class="shell">
      <a class="skip" href="#content">
        Skip to the content
      </a>
      <Side who={who} open={open} />
      <main id="content" class="content" tabIndex={-1}>
        <PageOf routes={open} />
      </main>
    </div>
  );
}

function Side({ who, open }: { readonly who: SessionResource; readonly open: readonly Route[] }) {
  const { path } = usePlace();
  return (
    <header class="side">
      <div class="side-head">
        <Mark />
        <span class="side-name">
          {who.instance.name} <span class="faint">{who.instance.role}</span>
        </span>
        <LineState />
      </div>
      <nav aria-label="Pages">
        {open.map(({ path: to, title, icon }) => {
          if (!icon) return null;
          const isCurrent = to === '/' ? path === '/' : path === to || path.startsWith(`${to}/`);
          return (
            <Link key={to} to={to} class="nav-item" current={isCurrent || match(to, path) !== undefined}>
              <Icon name={icon} />
              <span>{title}</span>
            </Link>
          );
        })}
      </nav>
      <Foot who={who} />
    </header>
  );
}

function Foot({ who }: { readonly who: SessionResource }) {
  const now = useCell(theme);
  return (
    <div class="side-foot">
      <span class="who" title={`Key ${who.key.id}`}>
        {who.key.name} <span class="faint">{who.key.role}</span>
      </span>
      <button class="icon-button" onClick={() => chooseTheme(nextTheme[now])} aria-label={`Theme: ${now}. Change`}>
        <Icon name={themes[now]} />
      </button>
      <button class="icon-button" onClick={() => void signOut()} aria-label="Sign out">
        <Icon name="out" />
      </button>
    </div>
  );
}
