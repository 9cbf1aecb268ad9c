import type { Metadata } from "next";
import { SignInForm } from "#account/sign-in-form.tsx";
import { localPath } from "#lib/paths.ts";
import { EntryPage } from "#shell/entry-page.tsx";

export const metadata: Metadata = { title: "Sign in" };

export default async function LoginPage({
  searchParams,
}: {
  readonly searchParams: Promise<{ readonly next?: string | string[] }>;
}) {
  const { next } = await searchParams;
  return (
    <EntryPage title="Sign in">
      <SignInForm next={localPath(typeof next === "string" ? next : null)} />
    </EntryPage>
  );
}
