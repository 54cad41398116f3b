      *> SPDX-License-Identifier: Apache-2.0
      *> An example of CALL "JETON": copies a file of fixed records
      *> and puts tokens in the place of their card numbers, or card
      *> numbers in the place of tokens. The field has numeric tokens,
      *> which are as long as the card and go where it was.
      *>
      *>   cobc -x -fstatic-call -I /usr/share/jeton/copybook
      *>       cardrec.cob -ljeton
      *>   export JETON_URL=https://cards.example:8443
      *>   export JETON_KEY_FILE=/etc/shop/jeton.key
      *>   DD_CARDIN=in.dat DD_CARDOUT=out.dat ./cardrec TOKN
      *>
      *> It ends with 0, with 4 where records were left out since
      *> their card was refused, or with the return code of JETON.
       IDENTIFICATION DIVISION.
       PROGRAM-ID. CARDREC.
       ENVIRONMENT DIVISION.
       INPUT-OUTPUT SECTION.
       FILE-CONTROL.
           SELECT CARD-IN  ASSIGN TO "CARDIN"
               ORGANIZATION IS SEQUENTIAL
               FILE STATUS IS IN-STATUS.
           SELECT CARD-OUT ASSIGN TO "CARDOUT"
               ORGANIZATION IS SEQUENTIAL
               FILE STATUS IS OUT-STATUS.
       DATA DIVISION.
       FILE SECTION.
       FD  CARD-IN.
       01  IN-RECORD                   PIC X(80).
       FD  CARD-OUT.
       01  OUT-RECORD                  PIC X(80).
       WORKING-STORAGE SECTION.
       01  CARD-RECORD.
           05  ACCOUNT                 PIC 9(10).
           05  CARD-NUMBER             PIC 9(16).
           05  EXPIRY                  PIC 9(4).
           05  BALANCE                 PIC S9(9)V99 COMP-3.
           05  HOLDER                  PIC X(30).
           05  FILLER                  PIC X(14).
       01  IN-STATUS                   PIC XX.
       01  OUT-STATUS                  PIC XX.
       01  WORST-CODE                  PIC S9(9) COMP VALUE 0.
       01  N-READ                      PIC 9(9) VALUE 0.
       01  N-WRITTEN                   PIC 9(9) VALUE 0.
       01  N-LEFT-OUT                  PIC 9(9) VALUE 0.
       COPY JETON.
       PROCEDURE DIVISION.
       MAIN-PART.
           ACCEPT JETON-FUNCTION FROM COMMAND-LINE
           MOVE "card-number" TO JETON-FIELD
           OPEN INPUT CARD-IN
           OPEN OUTPUT CARD-OUT
           IF IN-STATUS NOT = "00" OR OUT-STATUS NOT = "00"
               DISPLAY "CARDREC: A FILE CANNOT BE OPENED" UPON SYSERR
               MOVE 16 TO RETURN-CODE
               STOP RUN
           END-IF
           PERFORM READ-ONE
           PERFORM UNTIL IN-STATUS NOT = "00" OR WORST-CODE > 4
               PERFORM DO-ONE
               PERFORM READ-ONE
           END-PERFORM
           CLOSE CARD-IN CARD-OUT
           SET JETON-CLOSE TO TRUE
           CALL "JETON" USING JETON-AREA
           DISPLAY "READ " N-READ " WRITTEN " N-WRITTEN
               " LEFT OUT " N-LEFT-OUT
           MOVE WORST-CODE TO RETURN-CODE
           STOP RUN.
       READ-ONE.
           READ CARD-IN INTO CARD-RECORD
           IF IN-STATUS = "00"
               ADD 1 TO N-READ
           END-IF.
       DO-ONE.
           MOVE CARD-NUMBER TO JETON-VALUE
           CALL "JETON" USING JETON-AREA
           IF JETON-DONE
               MOVE JETON-RESULT(1:16) TO CARD-NUMBER
               WRITE OUT-RECORD FROM CARD-RECORD
               ADD 1 TO N-WRITTEN
           ELSE
               ADD 1 TO N-LEFT-OUT
               DISPLAY "RECORD " N-READ ": " JETON-MESSAGE
                   UPON SYSERR
               IF JETON-RETURN-CODE > WORST-CODE
                   MOVE JETON-RETURN-CODE TO WORST-CODE
               END-IF
           END-IF.
