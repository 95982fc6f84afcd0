/** Names the app to the system, in its packages too. */
export const APP_ID = 'app.tokenscope.Tokenscope';
