import { render } from "preact";
import "uplot/dist/uPlot.min.css";
import "./page.css";
import { Page } from "./page.tsx";

const place = document.getElementById("page");
if (place !== null) render(<Page />, place);
