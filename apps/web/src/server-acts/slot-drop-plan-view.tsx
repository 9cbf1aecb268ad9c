import { bytes, sentence } from "#lib/format.ts";
import { Note } from "#ui/note.tsx";
import type { SlotDropPlan } from "./server-act-fields.ts";

/** What dropping a slot would do, and to whom. */
export function SlotDropPlanView({ plan }: { readonly plan: SlotDropPlan }) {
  return (
    <div className="space-y-3 text-sm">
      {plan.active && (
        <Note kind="warn">
          The slot <strong>{plan.name}</strong> is in use
          {plan.client !== null && (
            <>
              {" "}
              by <strong>{plan.client}</strong>
            </>
          )}
          : dropping it cuts that client off.
        </Note>
      )}
      <ul className="list-disc space-y-1 ps-5">
        {plan.consequences.map((consequence) => (
          <li key={consequence} className="break-words">
            {sentence(consequence)}
          </li>
        ))}
      </ul>
      {plan.retainedBytes !== null && <p>It keeps {bytes(plan.retainedBytes)} of WAL on the server now.</p>}
      {plan.own && <Note kind="warn">It is a slot of Tidemark.</Note>}
    </div>
  );
}
