import type { ReactNode } from "react";
import type { ResultOf } from "#graphql/graphql.ts";
import { Panel } from "#ui/panel.tsx";
import type { PrivilegesFields } from "./privileges-fields.ts";
import { PrivilegesView } from "./privileges-view.tsx";

interface Props {
  readonly privileges: ResultOf<typeof PrivilegesFields>;
  readonly action?: ReactNode;
}

export function PrivilegesPanel({ privileges, action }: Props) {
  return (
    <Panel
      title="Privileges"
      padded={false}
      action={action}
      description={
        <>
          What <strong>{privileges.role}</strong> may do on this server
          {privileges.isSuperuser && ": everything, because it is a superuser"}.
        </>
      }
    >
      <PrivilegesView privileges={privileges} />
    </Panel>
  );
}
