import { EmptyState } from "#ui/empty-state.tsx";
import { Mono } from "#ui/facts.tsx";
import { Panel } from "#ui/panel.tsx";
import { Cell, Row, RowHeader, Table } from "#ui/table.tsx";
import { Time } from "#ui/time.tsx";
import type { ApiToken } from "./api-token-fields.ts";
import { CreateToken } from "./create-token.tsx";
import { RevokeToken } from "./revoke-token.tsx";

const columns = [
  { name: "Token" },
  { name: "May" },
  { name: "Last used" },
  { name: "Expires" },
  { name: "Revoke", hidden: true },
] as const;

export function ApiTokens({ tokens }: { readonly tokens: readonly ApiToken[] }) {
  return (
    <Panel
      title="API tokens"
      description="For scripts and the command line: TIDEMARK_TOKEN."
      action={<CreateToken />}
      padded={false}
    >
      {tokens.length === 0 ? (
        <EmptyState title="No token yet" />
      ) : (
        <Table label="API tokens" columns={columns}>
          {tokens.map((token) => (
            <Row key={token.id}>
              <RowHeader>
                <span className="font-medium">{token.name}</span>{" "}
                <span className="text-muted">
                  <Mono>{token.prefix}…</Mono>
                </span>
              </RowHeader>
              <Cell label="May">{token.access === "FULL" ? "read and act" : "read only"}</Cell>
              <Cell label="Last used">{token.lastUsedAt === null ? "never" : <Time at={token.lastUsedAt} />}</Cell>
              <Cell label="Expires">{token.expiresAt === null ? "never" : <Time at={token.expiresAt} />}</Cell>
              <Cell align="end">
                {token.revokedAt === null ? (
                  <RevokeToken token={token} />
                ) : (
                  <span className="text-muted">
                    revoked <Time at={token.revokedAt} />
                  </span>
                )}
              </Cell>
            </Row>
          ))}
        </Table>
      )}
    </Panel>
  );
}
