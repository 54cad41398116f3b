       IDENTIFICATION DIVISION.
       PROGRAM-ID. READCARDS.
       ENVIRONMENT DIVISION.
       INPUT-OUTPUT SECTION.
       FILE-CONTROL.
           SELECT IN-FILE ASSIGN TO "cards.dat"
               ORGANIZATION IS SEQUENTIAL.
       DATA DIVISION.
       FILE SECTION.
       FD  IN-FILE.
       01  IN-REC                  PIC X(301).
       WORKING-STORAGE SECTION.
       COPY "card.cpy".
       PROCEDURE DIVISION.
           OPEN INPUT IN-FILE.
           READ IN-FILE.
           MOVE IN-REC TO CARD-REC(1:301).
           DISPLAY ID-B2 " " AMOUNT " " CARD-B8 " " CARD-N8.
           DISPLAY CARD-Z " " CARD-ZS " " CARD-ZL.
           DISPLAY CARD-ZT " " CARD-ZF.
           DISPLAY CARD-P " " CARD-PS.
           DISPLAY CARD-T(1) " " CARD-T(3) " " N-MORE.
           DISPLAY CARD-M(1) " " CARD-M(2) " " CARD-M(3).
           DISPLAY CARD-LAST " ".
           CLOSE IN-FILE.
           STOP RUN.
