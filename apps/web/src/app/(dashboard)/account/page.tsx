import type { Metadata } from "next";
import { ApiTokenFields } from "#account/api-token-fields.ts";
import { ApiTokens } from "#account/api-tokens.tsx";
import { ChangePasswordForm } from "#account/change-password-form.tsx";
import { graphql } from "#graphql/graphql.ts";
import { load } from "#lib/server-query.ts";
import { PageHeader } from "#shell/page-header.tsx";
import { PageProblem } from "#shell/page-problem.tsx";
import { Panel } from "#ui/panel.tsx";

export const metadata: Metadata = { title: "Account" };

const AccountPageQuery = graphql(
  `
    query AccountPage {
      viewer {
        name
      }
      apiTokens(first: 100) {
        nodes {
          ...ApiTokenFields
        }
      }
    }
  `,
  [ApiTokenFields],
);

export default async function AccountPage() {
  const loaded = await load(AccountPageQuery, {});
  if (!loaded.ok) return <PageProblem title="Account" problem={loaded.problem} />;
  const { viewer, apiTokens } = loaded.value;
  return (
    <>
      <PageHeader title="Account" {...(viewer === null ? {} : { description: `Signed in as ${viewer.name}` })} />
      <div className="space-y-5">
        <ApiTokens tokens={apiTokens.nodes} />
        <Panel title="Password">
          <div className="max-w-sm">
            <ChangePasswordForm username={viewer?.name ?? ""} />
          </div>
        </Panel>
      </div>
    </>
  );
}
