/* All guides, in the order of the tiles. */
import dotnet from "./dotnet.mjs";
import domino from "./domino.mjs";
import exchange2000 from "./exchange-2000-2003.mjs";
import exchange2007 from "./exchange-2007-2010.mjs";
import exchangeEdge from "./exchange-2007-2010-edge.mjs";
import exchange2013 from "./exchange-2013-se.mjs";
import exim from "./exim.mjs";
import groupwise from "./groupwise.mjs";
import java from "./java.mjs";
import macosServer from "./macos-server.mjs";
import msmtp from "./msmtp.mjs";
import nodemailer from "./nodemailer.mjs";
import opensmtpd from "./opensmtpd.mjs";
import php from "./php.mjs";
import postfix from "./postfix.mjs";
import printer from "./printer.mjs";
import python from "./python.mjs";
import qmail from "./qmail.mjs";
import sendmail from "./sendmail.mjs";

export const guides = [
	exchange2013, exchange2007, exchangeEdge, exchange2000,
	postfix, sendmail, exim, opensmtpd, qmail, domino, groupwise, macosServer,
	printer, msmtp, nodemailer, python, php, java, dotnet,
];

/* By a guide's own name. */
export function guide_of(id) {
	return guides.find((g) => g.id === id) ?? null;
}

/* By what the service calls a product that it recognised. */
export function guides_of_product(product) {
	return guides.filter((g) => (g.seen ?? g.id) === product);
}
