import type { Metadata } from "next";
import { redirect } from "next/navigation";
import { ChangePasswordForm } from "#account/change-password-form.tsx";
import { graphql } from "#graphql/graphql.ts";
import { load } from "#lib/server-query.ts";
import { EntryPage } from "#shell/entry-page.tsx";
import { PageProblem } from "#shell/page-problem.tsx";

export const metadata: Metadata = { title: "Choose a password" };

const ViewerOfFirstPassword = graphql(`
  query ViewerOfFirstPassword {
    viewer {
      name
      mustChangePassword
    }
  }
`);

export default async function FirstPasswordPage() {
  const loaded = await load(ViewerOfFirstPassword, {});
  if (!loaded.ok) return <PageProblem title="Choose a password" problem={loaded.problem} />;
  if (loaded.value.viewer === null) redirect("/login");
  if (!loaded.value.viewer.mustChangePassword) redirect("/");
  return (
    <EntryPage title="Choose a password">
      <p className="mb-4 text-sm text-muted">
        The one-time password was shown in a terminal. Choose your own before anything else.
      </p>
      <ChangePasswordForm username={loaded.value.viewer.name} leadsHome />
    </EntryPage>
  );
}
