//! Configured text never becomes a line of its own: what could end a line or a cookie is refused, in the
//! configuration and in an edit.
