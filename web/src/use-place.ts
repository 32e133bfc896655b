import { useEffect, useState } from "preact/hooks";

/** The views of the page, by the name that stands in the address behind `#`. */
export const PLACES = ["live", "workflows", "what-if", "predictions", "config"] as const;

export type Place = (typeof PLACES)[number];

/** The view that the address names; the first where it names none. */
export function usePlace(): Place {
  const [place, setPlace] = useState(named);
  useEffect(() => {
    const look = (): void => setPlace(named());
    addEventListener("hashchange", look);
    return () => removeEventListener("hashchange", look);
  }, []);
  return place;
}

function named(): Place {
  const name = location.hash.slice(1);
  return PLACES.find((each) => each === name) ?? "live";
}
