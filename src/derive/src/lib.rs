//! Derives for requests and views.
