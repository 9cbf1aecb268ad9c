import { cookies } from "next/headers";
import Link from "next/link";
import { redirect } from "next/navigation";
import type { ReactNode } from "react";
import { graphql } from "#graphql/graphql.ts";
import { signInPath } from "#lib/paths.ts";
import { load, requestedPath } from "#lib/server-query.ts";
import { DrawnAt } from "#shell/drawn-at.tsx";
import { Logo } from "#shell/logo.tsx";
import { NavigationLinks } from "#shell/navigation-links.tsx";
import { readTheme, themeCookie } from "#shell/theme.ts";
import { ThemeToggle } from "#shell/theme-toggle.tsx";
import { UserMenu } from "#shell/user-menu.tsx";

const ViewerOfPage = graphql(`
  query ViewerOfPage {
    viewer {
      name
      mustChangePassword
    }
  }
`);

/** The frame of every page behind the login. */
export default async function DashboardLayout({ children }: { readonly children: ReactNode }) {
  const loaded = await load(ViewerOfPage, {});
  if (loaded.ok && loaded.value.viewer === null) redirect(signInPath(await requestedPath()));
  if (loaded.ok && loaded.value.viewer?.mustChangePassword === true) redirect("/change-password");
  const theme = readTheme((await cookies()).get(themeCookie)?.value);
  return (
    <DrawnAt at={new Date().toISOString()}>
      <a
        href="#content"
        className="sr-only z-50 rounded-md bg-surface px-4 py-2 focus:not-sr-only focus:fixed focus:top-2 focus:left-2"
      >
        Skip to content
      </a>
      <header className="border-b bg-surface print:hidden">
        <div className="mx-auto flex max-w-6xl flex-wrap items-center gap-x-5 px-4 md:h-14 md:flex-nowrap sm:px-6">
          <Link href="/" aria-label="Tidemark, home" className="flex min-h-12 items-center rounded-md">
            <Logo />
          </Link>
          <div className="min-w-0 max-md:order-3 max-md:w-full md:flex-1">
            <NavigationLinks />
          </div>
          <div className="ms-auto flex items-center gap-1">
            <ThemeToggle initial={theme} />
            {loaded.ok && loaded.value.viewer !== null && <UserMenu name={loaded.value.viewer.name} />}
          </div>
        </div>
      </header>
      <main id="content" tabIndex={-1} className="mx-auto max-w-6xl px-4 py-6 outline-none sm:px-6 sm:py-8">
        {children}
      </main>
    </DrawnAt>
  );
}
