//! Who gets the work: the recorded picks of httpd, seen through real requests.

mod bybusyness;
mod byrequests;
mod bytraffic;
mod sets;
