import { useEffect, useState } from "preact/hooks";
import { ProblemNote } from "../parts/problem.tsx";
import { fragment, navigate } from "../router.ts";
import { account, homeOf, redeemWelcome } from "../state/session.ts";
import { t } from "../text/locale.ts";
import { CardPage } from "./sign-in.tsx";

const SHORTEST_PASSWORD = 10;

/** A one-time link: its token is taken out of the address at once, so that it stays in no history. */
export function WelcomePage() {
  const [token] = useState(fragment.value);
  const [password, setPassword] = useState("");
  const [again, setAgain] = useState("");
  const [error, setError] = useState<unknown>();
  const [isBusy, setBusy] = useState(false);
  useEffect(() => {
    if (token !== "") history.replaceState(null, "", location.pathname);
  }, [token]);
  document.title = t("title.plain", { title: t("welcome.title") });

  const isShort = password.length < SHORTEST_PASSWORD;
  const differs = again !== "" && again !== password;
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (isShort || again !== password) return;
    setBusy(true);
    setError(undefined);
    try {
      await redeemWelcome(token, password);
      const who = account.value;
      if (who) navigate(homeOf(who.role), "replace");
    } catch (cause) {
      setError(cause);
    } finally {
      setBusy(false);
    }
  };
  if (token === "") {
    return (
      <CardPage title={t("welcome.title")} lead={t("welcome.no-token")}>
        <a class="button is-wide" href="/">
          {t("session.sign-in")}
        </a>
      </CardPage>
    );
  }
  return (
    <CardPage title={t("welcome.title")} lead={t("welcome.lead")}>
      <form class="fields" onSubmit={(event) => void submit(event)}>
        <label class="field">
          <span>{t("welcome.password")}</span>
          <input
            type="password"
            value={password}
            onInput={(event) => setPassword(event.currentTarget.value)}
            autoComplete="new-password"
            required
            minLength={SHORTEST_PASSWORD}
            maxLength={256}
          />
          <small class={isShort ? "quiet" : "good"}>
            {t(isShort ? "welcome.too-short" : "welcome.long-enough", { n: SHORTEST_PASSWORD })}
          </small>
        </label>
        <label class="field">
          <span>{t("welcome.again")}</span>
          <input
            type="password"
            value={again}
            onInput={(event) => setAgain(event.currentTarget.value)}
            autoComplete="new-password"
            required
            maxLength={256}
          />
          {differs && <small class="bad">{t("welcome.differs")}</small>}
        </label>
        <ProblemNote error={error} />
        <button type="submit" class="button is-main is-wide" disabled={isBusy || isShort || again !== password}>
          {t("welcome.set")}
        </button>
      </form>
    </CardPage>
  );
}
