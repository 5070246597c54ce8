// The page of the address: loaded when it is first shown, named in the title, and where the keyboard goes on.
import type { ComponentType } from 'preact';
import { useEffect, useErrorBoundary, useState } from 'preact/hooks';
import { TroubleBox } from '../parts/trouble.js';
import { asTrouble, type Trouble } from '../rest/problem.js';
import { Link, match, usePlace } from '../routing/router.js';
import type { PageProps } from '../routing/page-props.js';
import type { Route } from '../routes.js';

interface Found {
  readonly route: Route;
  readonly params: Readonly<Record<string, string>>;
}

function find(routes: readonly Route[], path: string): Found | undefined {
  for (const route of routes) {
    const params = match(route.path, path);
    if (params) return { route, params };
  }
  return undefined;
}

export function PageOf({ routes }: { readonly routes: readonly Route[] }) {
  const { path } = usePlace();
  const found = find(routes, path);
  useEffect(() => {
    document.title = found ? `${found.route.title} · Writ` : 'Not found · Writ';
  }, [found?.route.title]);
  return found ? <Loaded key={path} {...found} /> : <NotFound />;
}

const loaded = new Map<string, ComponentType<PageProps>>();

function Loaded({ route, params }: Found) {
  const [Page, setPage] = useState<ComponentType<PageProps> | undefined>(() => loaded.get(route.title));
  const [trouble, setTrouble] = useState<Trouble>();
  const [failure, restart] = useErrorBoundary() as [unknown, () => void];
  useEffect(() => {
    if (Page) return;
    route.load().then(
      (module) => {
        loaded.set(route.title, module.default);
        setPage(() => module.default);
      },
      (error: unknown) => setTrouble(asTrouble(error)),
    );
  }, [route.path]);
  const wrong = trouble ?? (failure === undefined ? undefined : asTrouble(failure));
  if (wrong)
    return (
      <TroubleBox trouble={wrong}>
        <button class="button" onClick={() => (failure === undefined ? location.reload() : restart())}>
          Try again
        </button>
      </TroubleBox>
    );
  return Page ? <Page params={params} /> : <p class="loading">Loading…</p>;
}

function NotFound() {
  return (
    <section class="empty">
      <h1>There is no such page</h1>
      <p>The address is not one of the console, or your key’s role does not see it.</p>
      <p>
        <Link to="/">Go to the overview</Link>
      </p>
    </section>
  );
}
